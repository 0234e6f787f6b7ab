// X's own @xdevplatform/xdk reads a user, a timeline page by page, and posts by id, by the names of August 2026.
"use strict";
const { Client, UserPaginator } = require("@xdevplatform/xdk");

async function main({ token, id, since }) {
  const client = new Client({ accessToken: token });
  const { data: me } = await client.users.getMe({ userFields: ["public_metrics"] });
  const timeline = [];
  let paginationToken;
  do {
    const page = await client.users.getPosts(id, {
      maxResults: 5, startTime: since, postFields: ["public_metrics"], paginationToken,
    });
    timeline.push(...(page.data ?? []));
    paginationToken = page.meta?.nextToken ?? page.meta?.next_token;
  } while (paginationToken);
  const again = await client.posts.getByIds([timeline[0].id, "1"], { postFields: ["public_metrics"] });
  const refused = await client.users.getMe({ userFields: ["nonsense"] }).catch((error) => error);
  return { me, timeline, again: again.data, missing: again.errors.length, refused: refused.status };
}

main(JSON.parse(process.argv[2])).then((found) => console.log(JSON.stringify(found)));
