// Decides on requests by policies: reads a list of cases as JSON, and prints for each whether it is allowed.

import { readFileSync } from 'node:fs';

import { runSimulation } from '@cloud-copilot/iam-simulate';

const ACCOUNT = '123456789012';

async function isAllowed({ identity, resource, request }) {
  const simulation = {
    request: {
      principal: request.principal,
      action: request.action,
      resource: { resource: request.resource, accountId: ACCOUNT },
      contextVariables: request.context,
    },
    identityPolicies: identity.map((policy, index) => ({ name: `policy-${index}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: resource,
  };
  const result = await runSimulation(simulation, {});
  if (result.resultType !== 'single') {
    throw new Error(JSON.stringify({ request, result }));
  }
  return { allowed: result.overallResult === 'Allowed', ignored: result.result.ignoredContextKeys };
}

const cases = JSON.parse(readFileSync(0, 'utf8'));
const decisions = [];
for (const each of cases) {
  decisions.push(await isAllowed(each));
}
console.log(JSON.stringify(decisions));
