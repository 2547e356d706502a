// SPDX-License-Identifier: Apache-2.0

// Makes calls with AWS's SDK for JavaScript, one for each line of standard input.
//
// A line is {client, operation, input} as JSON; the answer is a line with {output} or {error}. A date is
// {"$date": "<ISO 8601>"} on both sides, and a blob {"$bytes": "<Base64>"}.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, endpoint] = process.argv.slice(2);
const load = createRequire(`${folder}/`);
const clients = {};

function client(name) {
  const module = load(`@aws-sdk/${name}`);
  const Client = Object.entries(module).find(([key]) => key.endsWith("Client") && key !== "__Client")[1];
  clients[name] ??= new Client({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "testing", secretAccessKey: "testing" },
    maxAttempts: 1,
  });
  return [module, clients[name]];
}

function encoded(value) {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(encoded);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, encoded(inner)]));
}

function decoded(key, value) {
  if (value?.$date !== undefined) return new Date(value.$date);
  if (value?.$bytes !== undefined) return Buffer.from(value.$bytes, "base64");
  return value;
}

async function answer({ client: name, operation, input }) {
  const [module, sender] = client(name);
  try {
    const { $metadata, ...output } = await sender.send(new module[`${operation}Command`](input));
    return { output: encoded(output) };
  } catch (error) {
    const known = module[error.name];
    return {
      error: {
        name: error.name,
        message: error.message,
        status: error.$metadata?.httpStatusCode,
        // Whether it is the class that the model has for it.
        modelled: known !== undefined && error instanceof known,
      },
    };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line, decoded))));
}
