// twitter-api-sdk reads a user, a timeline page by page, and posts by id; a token past its time is refreshed first.
"use strict";
const { Client, auth } = require("twitter-api-sdk");

async function main({ token, refresh, id, since }) {
  const client = new Client(token);
  const { data: me } = await client.users.findMyUser({ "user.fields": ["public_metrics"] });
  const timeline = [];
  const asked = { max_results: 5, start_time: since, "tweet.fields": ["public_metrics"] };
  for await (const page of client.tweets.usersIdTweets(id, asked)) timeline.push(...(page.data ?? []));
  const again = await client.tweets.findTweetsById({ ids: [timeline[0].id, "1"], "tweet.fields": ["public_metrics"] });
  const user = new auth.OAuth2User({
    client_id: "app", client_secret: "secret", callback: "http://localhost", scopes: ["tweet.read", "offline.access"],
    token: { access_token: "ended", refresh_token: refresh, expires_at: 1 },
  });
  const renewed = await new Client(user).users.findMyUser();
  const refused = await client.users.findMyUser({ "user.fields": ["nonsense"] }).catch((error) => error);
  return { me, timeline, again: again.data, missing: again.errors.length, renewed: renewed.data.id, refused: refused.status };
}

main(JSON.parse(process.argv[2])).then((found) => console.log(JSON.stringify(found)));
