// Uses every method of emolens.js against a running server and prints what it got, as JSON.
//
//     EMOLENS_KEY=... node against_server.mjs ADDRESS IMAGE VIDEO

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { EmolensClient } from "../../src/emolens/server/static/emolens.js";

const [address, imagePath, videoPath] = process.argv.slice(2);
const key = process.env.EMOLENS_KEY;
const client = new EmolensClient(address, { key });
const image = new File([await readFile(imagePath)], basename(imagePath));
const damaged = new File([(await readFile(imagePath)).subarray(0, 2000)], "damaged.jpg");

/** The code and status of an error. */
const failure = (promise) => promise.then(() => null, ({ code, status, requestId }) => [code, status, requestId.length > 0]);

/** The results of frames that are sent one after the other. */
function streamed(times) {
  return new Promise((resolve, reject) => {
    const results = [];
    const states = [];
    let remaining = [...times];
    const sendNext = () => {
      const [capturedS, ...rest] = remaining;
      if (!stream.send(capturedS === 2 ? damaged : image, capturedS)) reject(new Error("not sent"));
      remaining = rest;
    };
    const take = (result) => {
      results.push(result);
      if (remaining.length) sendNext();
      else {
        stream.close();
        resolve({ results, states });
      }
    };
    const stream = client.openStream({
      onResult: take,
      onError: (error) => take(error.code),
      onState: (state) => {
        states.push(state);
        if (state === "ready") sendNext();
      },
    });
  });
}

async function analyzedVideo() {
  const job = await client.createJob(new File([await readFile(videoPath)], basename(videoPath)), { report: false });
  let state = job;
  while (state.state === "waiting" || state.state === "running") {
    await sleep(100);
    state = await client.job(job.id);
  }
  const table = await (await client.jobOutput(job.id, "table")).text();
  await client.deleteJob(job.id);
  return { state: state.state, table, afterwards: await failure(client.job(job.id)) };
}

const png = new Uint8Array(await (await client.explainImage(image, { emotion: "happy" })).arrayBuffer());
console.log(
  JSON.stringify({
    record: await client.analyze(image, { minConfidence: 0.1 }),
    records: await client.analyzeMany([image, damaged]),
    explanation: await client.explain(image),
    png: Array.from(png.subarray(0, 4)),
    models: await client.models(),
    stream: await streamed([1, 2, 3]),
    video: await analyzedVideo(),
    damaged: await failure(client.analyze(damaged)),
    denied: await failure(new EmolensClient(address, { key: `${key}x` }).models()),
  }),
);
