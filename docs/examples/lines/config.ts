// What settings say of an adapter of type `lines`; loaded with the settings, so nothing but the schema is imported.
import * as v from "valibot";
import { secretSchema } from "../../../src/config/secret.ts";

export const linesSchema = v.strictObject({
  url: v.pipe(v.string(), v.regex(/^https?:\/\//, "expected an http:// or https:// address")),
  token: secretSchema,
});

export type LinesSettings = v.InferOutput<typeof linesSchema>;
