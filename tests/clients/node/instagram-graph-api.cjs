// instagram-graph-api finds its account by its page, reads media to the end, and insights of the account and a media.
"use strict";
const { Client, GetAuthorizedFacebookPagesRequest, GetLinkedInstagramAccountRequest } = require("instagram-graph-api");

async function main({ token, since, until }) {
  const [page] = (await new GetAuthorizedFacebookPagesRequest(token).execute()).getAuthorizedFacebookPages();
  const id = (await new GetLinkedInstagramAccountRequest(token, page.id).execute()).getInstagramPageId();
  const client = new Client(token, id);
  const info = (await client.newGetPageInfoRequest().execute()).getData();
  const media = [];
  let after;
  do {
    const request = client.newGetPageMediaRequest("id", "like_count").withLimit(20);
    const found = await (after ? request.withPaging({ option: "after", value: after }) : request).execute();
    media.push(...found.getData());
    after = found.getPaging()?.getNext() && found.getPaging().getAfter();
  } while (after);
  const days = await client.newGetPageDayInsightsRequest("reach").withRange(since, until).execute();
  const month = await client.newGetPageMonthInsightsRequest("reach").execute();
  const insights = await client.newGetSimplePostMediaInsightsRequest(media[0].id, "reach", "saved").execute();
  return {
    id, info, media, days: days.getData(), month: month.getData(), insights: insights.getData(),
  };
}

main(JSON.parse(process.argv[2])).then((found) => console.log(JSON.stringify(found)));
