// twitter-api-v2 reads a user, a timeline to its end, posts by id, and refreshes a token.
"use strict";
const { TwitterApi, ApiResponseError } = require("twitter-api-v2");

async function main({ token, refresh, id, since }) {
  const client = new TwitterApi(token).readOnly;
  const me = (await client.v2.me({ "user.fields": ["public_metrics"] })).data;
  const timeline = await client.v2.userTimeline(id, {
    max_results: 5, start_time: since, "tweet.fields": ["public_metrics", "created_at"],
  });
  await timeline.fetchLast(1000);
  const [newest] = timeline.tweets;
  const again = await client.v2.tweets([newest.id, "1"], { "tweet.fields": ["public_metrics", "non_public_metrics"] });
  const login = new TwitterApi({ clientId: "app", clientSecret: "secret" });
  const { client: renewed, refreshToken } = await login.refreshOAuth2Token(refresh);
  const named = await renewed.v2.userByUsername(me.username);
  const refused = await client.v2.me({ "user.fields": ["nonsense"] }).catch((error) => error);
  const twice = await login.refreshOAuth2Token(refresh).catch((error) => error);
  return {
    me, timeline: timeline.tweets, again: again.data, missing: again.errors.map((error) => error.resource_id),
    named: named.data.id, rotated: refreshToken !== refresh, limit: timeline.rateLimit,
    refused: refused instanceof ApiResponseError && refused.code, twice: twice instanceof ApiResponseError && twice.code,
  };
}

main(JSON.parse(process.argv[2])).then((found) => console.log(JSON.stringify(found)));
