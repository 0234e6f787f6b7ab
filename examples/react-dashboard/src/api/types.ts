// Names for the parts of the generated types that this page uses.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type Comparison = Schemas["Comparison"];
export type Problem = Schemas["ProblemDetails"];
export type Rollup = Schemas["Rollup"];
export type StreamEvent = Schemas["StreamEvent"];
export type Totals = Schemas["Totals"];

/** A post. A field that the platform did not give, or that the server does not know yet, is absent. */
export type Post = Schemas["Post"] & {
  permalink?: string;
  captionExcerpt?: string;
  thumbnailUrl?: string;
  thumbnailExpiresAt?: string;
};
