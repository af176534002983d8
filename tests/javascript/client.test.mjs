// Requests and errors of emolens.js, with a server that answers from memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { EmolensClient, EmolensError } from "../../src/emolens/server/static/emolens.js";

const ADDRESS = "https://faces.example";
const KEY = "geheim-7f3a-not-shown-anywhere";

/** A client, and the requests that it sends. */
function clientOf(answer, options = {}) {
  const requests = [];
  const fetch = async (url, request) => {
    requests.push({ url: new URL(url), ...request });
    return answer(requests.length);
  };
  return { client: new EmolensClient(ADDRESS, { fetch, ...options }), requests };
}

const json = (content, status = 200, headers = {}) => new Response(JSON.stringify(content), { status, headers });

test("an image is sent as it is, with its name and options", async () => {
  const { client, requests } = clientOf(() => json({ path: "a.jpg", faces: [] }), { key: KEY });
  const image = new File(["jpeg"], "a.jpg", { type: "image/png" });
  const record = await client.analyze(image, { minConfidence: 0.5, faceCrops: true });
  assert.deepEqual(record, { path: "a.jpg", faces: [] });
  const [request] = requests;
  assert.equal(request.method, "POST");
  assert.equal(request.url.pathname, "/v1/analyze");
  assert.deepEqual(Object.fromEntries(request.url.searchParams), {
    name: "a.jpg",
    min_confidence: "0.5",
    face_crops: "true",
  });
  assert.equal(request.body, image);
  assert.equal(request.headers["Content-Type"], "application/octet-stream");
  assert.equal(request.headers.Authorization, `Bearer ${KEY}`);
  assert.equal(request.redirect, "error");
  assert.equal(request.credentials, "omit");
});

test("several images are one form, and each has a name", async () => {
  const { client, requests } = clientOf(() => json({ images: [{ path: "a.jpg" }, { path: "image-2" }] }));
  const records = await client.analyzeMany([new File(["1"], "a.jpg"), new Blob(["2"])], { sideways: false });
  assert.deepEqual(records.map((record) => record.path), ["a.jpg", "image-2"]);
  const [{ body, headers, url }] = requests;
  assert.deepEqual(body.getAll("images").map((file) => [file.name, file.type]), [
    ["a.jpg", "application/octet-stream"],
    ["image-2", "application/octet-stream"],
  ]);
  assert.equal(headers["Content-Type"], undefined, "fetch adds the boundary");
  assert.equal(url.search, "?sideways=false");
});

test("an explanation comes in numbers or as an image", async () => {
  const { client, requests } = clientOf((n) => (n === 1 ? json({ faces: [] }) : new Response(new Blob(["PNG"]))));
  assert.deepEqual(await client.explain(new Blob(["jpeg"]), { kind: "occlusion" }), { faces: [] });
  const png = await client.explainImage(new Blob(["jpeg"]), { emotion: "happy" });
  assert.equal(await png.text(), "PNG");
  assert.deepEqual(requests.map((request) => request.headers.Accept), ["application/json", "image/png"]);
  assert.equal(requests[1].url.search, "?emotion=happy");
});

test("an explanation without a face is null", async () => {
  const { client } = clientOf(() => new Response(null, { status: 204 }));
  assert.equal(await client.explainImage(new Blob(["jpeg"])), null);
});

test("videos are uploaded, followed, fetched and deleted", async () => {
  const { client, requests } = clientOf((n) => [json({ id: "a/b" }, 202), json({ state: "done" }), new Response("a,b"), new Response(null, { status: 204 })][n - 1]);
  const { id } = await client.createJob(new File(["mp4"], "clip.mp4"), { detectHz: 0, table: "csv" });
  assert.equal((await client.job(id)).state, "done");
  assert.equal(await (await client.jobOutput(id, "table")).text(), "a,b");
  await client.deleteJob(id);
  assert.deepEqual(requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`), [
    "POST /v1/jobs?name=clip.mp4&detect_hz=0&table=csv",
    "GET /v1/jobs/a%2Fb",
    "GET /v1/jobs/a%2Fb/table",
    "DELETE /v1/jobs/a%2Fb",
  ]);
});

test("errors have the code, the message and the ID of the server", async () => {
  const content = { error: { code: "damaged_image", message: "a.jpg: no." }, request_id: "r-1" };
  const { client } = clientOf(() => json(content, 422));
  await assert.rejects(client.analyze(new Blob(["x"])), (error) => {
    assert.ok(error instanceof EmolensError);
    const { code, message, status, requestId, retryAfterS } = error;
    assert.deepEqual([code, message, status, requestId, retryAfterS], ["damaged_image", "a.jpg: no.", 422, "r-1", null]);
    return true;
  });
});

test("busy servers say when to come back", async () => {
  const content = { error: { code: "busy", message: "later." }, request_id: "r-1" };
  const { client } = clientOf(() => json(content, 503, { "Retry-After": "7" }));
  await assert.rejects(client.models(), { code: "busy", retryAfterS: 7 });
  const proxy = clientOf(() => new Response("<html>", { status: 503 }));
  await assert.rejects(proxy.client.models(), { code: "busy", retryAfterS: null });
});

test("answers of other servers are errors", async () => {
  const gateway = clientOf(() => new Response("<html>", { status: 502 }));
  await assert.rejects(gateway.client.models(), { code: "server", status: 502, message: /status 502/ });
  const page = clientOf(() => new Response("<html>"));
  await assert.rejects(page.client.models(), { code: "server", message: /is not JSON/ });
});

test("a server that cannot be reached is named", async () => {
  const { client } = clientOf(() => Promise.reject(new TypeError("fetch failed")));
  await assert.rejects(client.models(), { code: "server", status: 0, message: /^cannot reach https:\/\/faces.example\./ });
});

test("an aborted request is the caller's own error", async () => {
  const abort = new AbortController();
  const { client, requests } = clientOf(() => abort.abort() ?? Promise.reject(abort.signal.reason));
  await assert.rejects(client.analyze(new Blob(["x"]), { signal: abort.signal }), { name: "AbortError" });
  assert.equal(requests[0].signal, abort.signal);
  assert.equal(requests[0].url.search, "");
});

test("the key is in no property, message or address", async () => {
  const { client, requests } = clientOf(() => Promise.reject(new TypeError("fetch failed")), { key: KEY });
  await assert.rejects(client.models(), (error) => !inspect(error, { depth: 9 }).includes(KEY));
  assert.ok(!inspect(client, { depth: 9, showHidden: true }).includes(KEY));
  assert.ok(!JSON.stringify(client).includes(KEY));
  assert.ok(!requests[0].url.href.includes(KEY));
});

test("what is no address of a server is refused", () => {
  for (const address of ["ftp://host", "https://me:geheim@host", "nothing"]) {
    assert.throws(() => new EmolensClient(address, { fetch }), (error) => error instanceof TypeError && !error.message.includes("geheim"));
  }
});

test("a stream needs a WebSocket", (context) => {
  const { WebSocket } = globalThis;
  context.after(() => Object.assign(globalThis, { WebSocket }));
  delete globalThis.WebSocket;
  const { client } = clientOf(() => json({}));
  assert.throws(() => client.openStream(), /there is no WebSocket/);
});
