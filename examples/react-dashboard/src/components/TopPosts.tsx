// The best posts with picture, caption and link. All three are absent where the platform does not give them.

import { useState } from "react";
import type { Account, Post } from "../api/types";
import { count, instant, percent, why } from "../format";

export function TopPosts({ posts, accounts }: { posts: Post[]; accounts: Account[] }) {
  if (posts.length === 0) return <p className="empty">No post was published in this range.</p>;
  return (
    <ol className="posts">
      {posts.map((post) => (
        <li key={post.postId}>
          <Thumbnail post={post} />
          <div>
            <p className="caption">
              <Caption post={post} />
            </p>
            <p className="note">
              {accounts.find((account) => account.accountId === post.accountId)?.handle ?? post.platform},{" "}
              <time dateTime={post.publishedAt}>{instant(post.publishedAt)}</time>
            </p>
            <p>
              {count(post.metrics.engagement)} engagement, {percent(post.metrics.engagementRate)} of{" "}
              {post.engagementRateBasis}{" "}
              {post.metrics.engagement === undefined && <span className="note">{why(post.unavailable.engagement)}, </span>}
              <span className="note">as of {instant(post.collectedAt)}</span>
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}

function Caption({ post }: { post: Post }) {
  const text = post.captionExcerpt || `${post.platform} ${post.contentType}`;
  if (!post.permalink) return text;
  return (
    <a href={post.permalink} target="_blank" rel="noreferrer">
      {text}
    </a>
  );
}

/** The picture, or the kind of the post where there is none, where its URL has expired, or where it does not load. */
function Thumbnail({ post }: { post: Post }) {
  const [failed, setFailed] = useState<string>();
  const { thumbnailUrl: url, thumbnailExpiresAt: expiry } = post;
  const isExpired = expiry !== undefined && Date.parse(expiry) <= Date.now();
  if (!url || isExpired || failed === url) {
    return (
      <span className="thumbnail placeholder" aria-hidden="true">
        {post.contentType}
      </span>
    );
  }
  return (
    <img
      className="thumbnail"
      src={url}
      alt=""
      width={72}
      height={72}
      loading="lazy"
      referrerPolicy="no-referrer"
      onError={() => setFailed(url)}
    />
  );
}
