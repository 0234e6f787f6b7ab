// facebook-nodejs-business-sdk, Meta's own, reads a page, its posts to the end and insights, in a batch too.
"use strict";
const { FacebookAdsApi, FacebookAdsApiBatch, IGUser, IGMedia, Page, PagePost } = require("facebook-nodejs-business-sdk");

async function all(cursor) {
  const found = [...cursor];
  while (cursor.hasNext()) {
    await cursor.next();
    found.push(...cursor);
  }
  return found;
}

async function facebook({ token, id, since, until }) {
  const api = FacebookAdsApi.init(token, "en_US", false);
  const page = await new Page(id).get(["id", "name", "followers_count"]);
  const posts = await all(await page.getPublishedPosts(["id", "created_time", "shares"], { limit: 20 }));
  const [row] = await page.getInsights([], { metric: ["page_media_view"], period: "day", since, until });
  const asked = posts.slice(0, 3).map((post) => ({
    method: "GET", relative_url: `v24.0/${post.id}/insights?metric=post_media_view`,
  }));
  const batch = await api.call("POST", [""], { batch: JSON.stringify(asked) });
  const refused = await page.getInsights([], { metric: ["page_impressions"], period: "day" }).catch((error) => error);
  return {
    page: page._data, posts: posts.map((post) => post.id), days: row.values,
    batch: batch.map((one) => [one.code, JSON.parse(one.body).data[0].values[0].value]),
    refused: refused.response?.code ?? refused.status,
  };
}

async function instagram({ token, id }) {
  FacebookAdsApi.init(token, "en_US", false);
  const user = await new IGUser(id).get(["followers_count", "media_count"]);
  const media = await all(await user.getMedia(["id", "like_count", "media_product_type"], { limit: 20 }));
  const [reach] = await new IGMedia(media[0].id).getInsights([], { metric: ["reach"] });
  return { user: user._data, media: media.map((one) => one._data), reach: reach.values[0].value };
}

const given = JSON.parse(process.argv[2]);
const read = { facebook, instagram }[given.platform];
read(given).then((found) => console.log(JSON.stringify(found)));
