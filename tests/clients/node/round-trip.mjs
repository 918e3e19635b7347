// The round trip of ../main.rs by the gRPC client of the Node SDK.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Camunda8 } from "@camunda8/sdk";

const [bpmn, mode] = process.argv.slice(2);
const environment = process.env;

const connection = {
  ZEEBE_GRPC_ADDRESS: `${mode === "plaintext" ? "grpc" : "grpcs"}://${environment.GATEWAY}`,
  ZEEBE_CLIENT_LOG_LEVEL: "NONE",
  CAMUNDA_AUTH_STRATEGY: "NONE",
  CAMUNDA_OAUTH_DISABLED: true,
  ...(mode !== "plaintext" && { CAMUNDA_CUSTOM_ROOT_CERT_PATH: environment.CA }),
  ...(mode === "oauth" && {
    CAMUNDA_AUTH_STRATEGY: "OAUTH",
    CAMUNDA_OAUTH_DISABLED: false,
    CAMUNDA_OAUTH_URL: environment.TOKEN_URL,
    ZEEBE_CLIENT_ID: environment.CLIENT_ID,
    ZEEBE_CLIENT_SECRET: environment.CLIENT_SECRET,
    CAMUNDA_ZEEBE_OAUTH_AUDIENCE: environment.AUDIENCE,
    CAMUNDA_TOKEN_DISK_CACHE_DISABLE: true,
  }),
};
const client = new Camunda8(connection).getZeebeGrpcApiClient();

const topology = await client.topology();
assert.equal(topology.partitionsCount, 1);
const deployed = await client.deployResource({ processFilename: bpmn });
assert.equal(deployed.deployments[0].process.bpmnProcessId, "order");

const taskHandler = (job) => {
  assert.equal(job.customHeaders.colour, "blue");
  const { order } = job.variables;
  if (order === "throws") return job.error("refused", "this order is refused");
  if (order === "never" || (order === "again" && job.retries === 3)) return job.fail(`${order} at ${job.retries}`);
  return job.complete({ worked: job.retries });
};
// One that polls, and one that has jobs pushed to it.
client.createWorker({ taskType: "work", taskHandler, timeout: 60_000 });
await client.streamJobs({ type: "work", worker: "stream", taskHandler, timeout: 60_000 });

const run = async (order) => {
  const request = { bpmnProcessId: "order", variables: { order, orderId: order }, requestTimeout: 30_000 };
  return (await client.createProcessInstanceWithResult(request)).variables;
};
const paid = (order) =>
  client.publishMessage({ name: "paid", correlationKey: order, variables: { paid: true }, timeToLive: 60_000 });

await paid("completes");
await paid("again");
const [completed, again, thrown] = await Promise.all(["completes", "again", "throws"].map(run));
assert.deepEqual([completed.worked, completed.paid], [3, true]);
assert.deepEqual([again.worked, again.paid], [2, true]);
assert.ok(!("worked" in thrown));
await client.createProcessInstance({ bpmnProcessId: "order", variables: { order: "never", orderId: "never" } });
console.log("round trip");
// A worker takes the last order to its incident; whoever waits for that says so by a line.
await once(process.stdin, "data");
await client.close();
process.exit(0);
