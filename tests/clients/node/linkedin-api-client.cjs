// linkedin-api-client, LinkedIn's own, reads followers, posts, their statistics and days, and refreshes a token.
"use strict";
const { AuthClient, RestliClient } = require("linkedin-api-client");

async function main({ token, refresh, urn, start, end, version }) {
  const client = new RestliClient();
  const common = { accessToken: token, versionString: version };
  const size = await client.get({
    ...common, resourcePath: "/networkSizes/{urn}", pathKeys: { urn },
    queryParams: { edgeType: "COMPANY_FOLLOWED_BY_MEMBER" },
  });
  const posts = [];
  let page;
  do {
    page = await client.finder({
      ...common, resourcePath: "/posts", finderName: "author", queryParams: { author: urn, count: 50, start: posts.length },
    });
    posts.push(...page.data.elements);
  } while (page.data.elements.length === 50);
  const shares = posts.map((post) => post.id).filter((id) => id.includes(":share:")).slice(0, 5);
  const batch = await client.batchGet({
    ...common, resourcePath: "/posts", ids: [...shares, "urn:li:share:7999990000000000000"],
  });
  const statistics = await client.finder({
    ...common, resourcePath: "/organizationalEntityShareStatistics", finderName: "organizationalEntity",
    queryParams: { organizationalEntity: urn, shares },
  });
  const days = await client.finder({
    ...common, resourcePath: "/organizationalEntityFollowerStatistics", finderName: "organizationalEntity",
    queryParams: { organizationalEntity: urn, timeIntervals: { timeRange: { start, end }, timeGranularityType: "DAY" } },
  });
  const login = new AuthClient({ clientId: "app", clientSecret: "secret" });
  const renewed = await login.exchangeRefreshTokenForAccessToken(refresh);
  const later = await client.get({
    accessToken: renewed.access_token, versionString: version, resourcePath: "/networkSizes/{urn}", pathKeys: { urn },
    queryParams: { edgeType: "COMPANY_FOLLOWED_BY_MEMBER" },
  });
  const old = await client.get({ ...common, versionString: "202001", resourcePath: "/organizationAcls" }).catch((e) => e);
  return {
    followers: size.data.firstDegreeSize, posts: posts.map((post) => post.id), batch: Object.keys(batch.data.results),
    gone: Object.keys(batch.data.errors), statistics: statistics.data.elements, days: days.data.elements,
    renewed: later.data.firstDegreeSize, lasts: renewed.expires_in, old: old.response?.status,
  };
}

main(JSON.parse(process.argv[2])).then((found) => console.log(JSON.stringify(found)));
