// fb reads a page, its posts to the end, a batch of insights, and exchanges a token; its default version is v2.3.
"use strict";
const { Facebook } = require("fb");

async function main({ token, id, since, until }) {
  const fb = new Facebook({ appId: "1000", appSecret: "secret", accessToken: token });
  const page = await fb.api(id, { fields: ["id", "name", "followers_count"] });
  const posts = [];
  let after;
  do {
    const found = await fb.api(`${id}/published_posts`, { limit: 20, ...(after ? { after } : {}) });
    posts.push(...found.data);
    after = found.paging?.next && found.paging.cursors.after;
  } while (after);
  const asked = posts.slice(0, 3).map(({ id: post }) => ({
    method: "get", relative_url: `${post}/insights?metric=post_media_view`,
  }));
  const batch = await fb.api("", "post", { batch: [...asked, { method: "get", relative_url: "12345?fields=id" }] });
  const insights = await fb.api(`${id}/insights`, { metric: "page_media_view", period: "day", since, until });
  const exchanged = await fb.api("oauth/access_token", {
    grant_type: "fb_exchange_token", client_id: "1000", client_secret: "secret", fb_exchange_token: token,
  });
  const refused = await fb.api(`${id}/insights`, { metric: "page_fans", period: "day" }).catch((error) => error);
  return {
    page, posts: posts.map((post) => post.id), batch: batch.map((one) => [one.code, JSON.parse(one.body)]),
    days: insights.data[0].values, exchanged, refused: refused.response.error.code,
  };
}

main(JSON.parse(process.argv[2])).then((found) => console.log(JSON.stringify(found)));
