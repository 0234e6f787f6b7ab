// Loaded before a client by `node --require`: sends what is meant for a platform's host to the simulator, whose URL is
// in the variable SIMULATOR. A call to any other host fails.
"use strict";
const http = require("node:http");
const https = require("node:https");

const here = new URL(process.env.SIMULATOR);
const PLATFORMS = /^(graph\.(facebook|instagram)|api\.(x|twitter|linkedin)|www\.linkedin)\.com$/;

function check(host) {
  if (!PLATFORMS.test(host) && host !== here.hostname) throw new Error(`a call to ${host}, which is no platform's host`);
}

// Clients that stand on node:https, also through axios, node-fetch or request.
https.request = (...given) => {
  const answered = given.find((one) => typeof one === "function");
  const [first, second] = given;
  const isUrl = typeof first === "string" || first instanceof URL;
  const url = isUrl ? new URL(first) : null;
  const options = isUrl ? { path: url.pathname + url.search, ...(typeof second === "object" ? second : {}) } : first;
  check(url?.hostname ?? options.hostname ?? options.host);
  const { agent, agents, hostname, servername, ...kept } = options;
  const headers = { ...options.headers, host: here.host };
  return http.request({ ...kept, headers, protocol: "http:", host: here.hostname, port: here.port }, answered);
};
https.get = (...given) => https.request(...given).end();

// Clients that stand on fetch.
const fetched = globalThis.fetch;
globalThis.fetch = (resource, options) => {
  const url = new URL(resource instanceof Request ? resource.url : resource);
  check(url.hostname);
  const there = here.origin + url.pathname + url.search;
  return fetched(resource instanceof Request ? new Request(there, resource) : there, options);
};
