// Judges the policies that `envelope policy` prints, by a simulator of IAM.
//
// Every policy of requests.json is asked about every request: it must allow those that name it, and
// deny all others. The same is asked of the statements for key policies. `never` lists who must be
// denied even if another policy allows kms:* on everything.
//
// A guard is the policy of a table. It is asked about every request of `guarded`, made by a role
// that may do everything.
//
// At last the judge is judged: policies that are spoilt in one place must be found.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { allowedContextKeysForRequest, runSimulation } from '@cloud-copilot/iam-simulate'

const [envelope, recorded] = process.argv.slice(2)
const table = JSON.parse(readFileSync(new URL('requests.json', import.meta.url)))
const schema = new URL('patients.schema.json', import.meta.url).pathname
const principal = `arn:aws:iam::${table.names.ACCOUNT}:role/judged`
const arn = (name) => table.names[name] ?? name

function printed(policyArguments, more = []) {
  const all = ['policy', '--schema', schema, ...policyArguments.map(arn), ...more]
  const { status, stdout, stderr } = spawnSync(envelope, all, { encoding: 'utf8' })
  if (status === 0) return JSON.parse(stdout)
  // A role has no statements for the policy of a key that it does not use.
  if (more.length > 0 && status === 2 && stderr.includes('does not use the key')) return undefined
  throw new Error(`envelope ${all.join(' ')}: exit ${status}: ${stderr}`)
}

function expand(names) {
  return names.flatMap((name) => {
    if (table.groups[name]) return expand(table.groups[name])
    if (!table.policies[name]) throw new Error(`requests.json names no policy "${name}"`)
    return [name]
  })
}

function conditionKeys(request) {
  const keys = {}
  if (request.select) keys['dynamodb:Select'] = request.select
  if (request.return) keys['dynamodb:ReturnValues'] = request.return
  if (request.attributes) keys['dynamodb:Attributes'] = request.attributes
  if (request.context || request.pairs) {
    const pairs = Object.entries(request.pairs ?? table.contexts[request.context])
    for (const [name, value] of pairs) keys[`kms:EncryptionContext:${name}`] = value
    if (pairs.length > 0) keys['kms:EncryptionContextKeys'] = pairs.map(([name]) => name)
  }
  return keys
}

const statement = (more) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Resource: '*', ...more }] })
const accountDecides = (account) =>
  statement({ Action: 'kms:*', Principal: { AWS: `arn:aws:iam::${account}:root` } })

async function decision(request, policies, keyPolicy) {
  const resource = arn(request.resource)
  // IAM knows no resource for some actions.
  const account = resource === '*' ? table.names.ACCOUNT : resource.split(':')[4]
  const isKms = request.action.startsWith('kms:')
  const simulation = {
    request: {
      principal,
      action: request.action,
      resource: { resource, accountId: account },
      contextVariables: conditionKeys(request)
    },
    identityPolicies: policies.map((policy, at) => ({ name: `policy ${at}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: isKms ? (keyPolicy ?? accountDecides(account)) : undefined
  }
  await checkEncryptionContext(request)
  const result = await runSimulation(withKnownKeys(simulation), {})
  if (result.resultType === 'error') {
    throw new Error(`${request.name}: ${JSON.stringify(result.errors)}`)
  }
  // A key that the simulator does not know for the action is left out, and a test would prove nothing.
  const ignored = result.result?.ignoredContextKeys ?? []
  if (ignored.length > 0) throw new Error(`${request.name}: ${request.action} has no ${ignored}`)
  return result.overallResult === 'Allowed'
}

// The simulator leaves out condition keys with a name of the user's behind the last colon. It knows
// tags, which are compared in the same way.
const PAIR = 'kms:EncryptionContext:'
function withKnownKeys(simulation) {
  return JSON.parse(JSON.stringify(simulation).replaceAll(PAIR, 'aws:RequestTag/'))
}

async function checkEncryptionContext(request) {
  if (!request.context && !request.pairs) return
  const [service, action] = request.action.split(':')
  const keys = await allowedContextKeysForRequest(service, action, arn(request.resource), false)
  if (!keys.some((key) => key.startsWith(PAIR.toLowerCase()))) {
    throw new Error(`${request.name}: ${action} has no encryption context`)
  }
}

const mistakes = []
let judged = 0
async function judge(what, request, expected, policies, keyPolicy) {
  judged += 1
  const allowed = await decision(request, policies, keyPolicy)
  if (allowed !== expected) {
    mistakes.push(`${what}: ${request.name} (${request.action}) is ${allowed ? 'allowed' : 'denied'}`)
  }
}

const everything = statement({ Action: 'kms:*' })
for (const [name, policyArguments] of Object.entries(table.policies)) {
  const policy = printed(policyArguments)
  const keyPolicies = {}
  for (const key of Object.keys(table.names).filter((each) => each.endsWith('_KEY'))) {
    keyPolicies[key] = printed(policyArguments, ['--key-policy', arn(key), '--principal', principal])
  }
  for (const request of table.requests) {
    const expected = expand(request.allowed).includes(name)
    await judge(name, request, expected, [policy])
    if (request.action.startsWith('kms:')) {
      const nobody = statement({ Action: 'kms:DescribeKey', Principal: { AWS: `${principal}-other` } })
      const keyPolicy = keyPolicies[request.resource] ?? nobody
      await judge(`${name}, by the key policy alone`, request, expected, [], keyPolicy)
    }
    if (expand(request.never ?? []).includes(name)) {
      await judge(`${name}, beside kms:*`, request, false, [policy, everything])
    }
  }
}

// What the commands of each role really ask, recorded by a test.
for (const { role, policy, requests } of JSON.parse(readFileSync(recorded))) {
  for (const request of requests) await judge(`${role}, as recorded`, request, true, [policy].flat())
}

const mayAll = statement({ Action: 'dynamodb:*' })
async function guardAllows(guard, { principal: who, resource, opened, service }, action) {
  const request = {
    principal: arn(who),
    action,
    resource: { resource: arn(resource), accountId: table.names.ACCOUNT },
    contextVariables: service
      ? { 'aws:PrincipalIsAWSService': 'true' }
      : { 'aws:PrincipalArn': arn(who), 'aws:PrincipalIsAWSService': 'false' }
  }
  // Beside the guard, the table's policy lets other accounts and services in.
  const opens = { ...mayAll.Statement[0], Principal: service ? { Service: who } : { AWS: arn(who) } }
  const guarded = resource === 'TABLE' ? guard.Statement : []
  const resourcePolicy = { Version: '2012-10-17', Statement: [...guarded, ...(opened ? [opens] : [])] }
  const result = await runSimulation({
    request,
    identityPolicies: service ? [] : [{ name: 'everything', policy: mayAll }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: resourcePolicy.Statement.length > 0 ? resourcePolicy : undefined
  }, {})
  if (result.resultType === 'error') throw new Error(`${who}: ${JSON.stringify(result.errors)}`)
  const ignored = result.result?.ignoredContextKeys ?? []
  if (ignored.length > 0) throw new Error(`${who}: ${action} has no ${ignored}`)
  return result.overallResult === 'Allowed'
}

// The mistakes of a guard.
async function* wrongGuard(name, guard) {
  for (const who of table.guarded) {
    for (const [kind, allowed] of Object.entries(who.allowed)) {
      for (const action of table.actions[kind]) {
        judged += 1
        const is = await guardAllows(guard, who, action)
        if (is !== allowed.includes(name)) {
          yield `${name}: ${action} of ${who.name} is ${is ? 'allowed' : 'denied'}`
        }
      }
    }
  }
}

// The mistakes of the policy of a role, by its requests alone.
async function* wrongPolicy(name, policy) {
  for (const request of table.requests) {
    judged += 1
    const allowed = await decision(request, [policy])
    if (allowed !== expand(request.allowed).includes(name)) {
      yield `${name}: ${request.name} (${request.action}) is ${allowed ? 'allowed' : 'denied'}`
    }
  }
}

for (const [name, policyArguments] of Object.entries(table.guards)) {
  for await (const mistake of wrongGuard(name, printed(policyArguments))) mistakes.push(mistake)
}

// The policy, spoilt in each place alone: a statement, an action, a condition, a resource or a
// value of a condition is taken out.
function* spoilt(policy) {
  for (const [at, each] of policy.Statement.entries()) {
    const replaced = (...by) => ({ ...policy, Statement: policy.Statement.toSpliced(at, 1, ...by) })
    yield [`without ${each.Sid}`, replaced()]
    for (const action of each.Action.length > 1 ? each.Action : []) {
      const rest = each.Action.filter((other) => other !== action)
      yield [`${each.Sid} without ${action}`, replaced({ ...each, Action: rest })]
    }
    // The policy of a table is about the table in any case.
    if (each.Resource && each.Resource[0] !== '*' && !each.Principal) {
      yield [`${each.Sid} for everything`, replaced({ ...each, Resource: ['*'] })]
    }
    for (const [operator, keys] of Object.entries(each.Condition ?? {})) {
      for (const [key, values] of Object.entries(keys)) {
        const changed = (by) => {
          const others = Object.fromEntries(Object.entries(keys).filter(([other]) => other !== key))
          const condition = { ...each.Condition, [operator]: { ...others, ...by } }
          if (Object.keys(condition[operator]).length === 0) delete condition[operator]
          return replaced({ ...each, Condition: condition })
        }
        yield [`${each.Sid} without ${key}`, changed({})]
        for (const value of values.length > 1 ? values : []) {
          const rest = values.filter((other) => other !== value)
          yield [`${each.Sid} without ${key} ${value}`, changed({ [key]: rest })]
        }
      }
    }
  }
}

let mutations = 0
async function mustBeFound(name, policy, wrong) {
  for (const [how, mutant] of spoilt(policy)) {
    mutations += 1
    const { done } = await wrong(name, mutant).next()
    if (done) mistakes.push(`${name}: nothing finds that it is ${how}`)
  }
}
for (const [name, policyArguments] of Object.entries(table.policies)) {
  const policy = printed(policyArguments)
  // A Deny shows only beside another policy.
  const allows = { ...policy, Statement: policy.Statement.filter((each) => each.Effect === 'Allow') }
  await mustBeFound(name, allows, wrongPolicy)
}
for (const [name, policyArguments] of Object.entries(table.guards)) {
  await mustBeFound(name, printed(policyArguments), wrongGuard)
}
// Without the Deny statements, kms:* would allow what must never be.
const without = printed(table.policies.rotator)
without.Statement = without.Statement.filter((each) => each.Effect === 'Allow')
const decrypt = table.requests.find((request) => request.name === 'unwrapping under the old key')
await judge('rotator without Deny, beside kms:*', decrypt, true, [without, everything])

if (mistakes.length > 0) {
  console.error(mistakes.join('\n'))
  console.error(`${mistakes.length} of ${judged} judgements are wrong`)
  process.exit(1)
}
const policies = Object.keys(table.policies).length + Object.keys(table.guards).length
console.log(`${policies} policies, ${table.requests.length} requests: ${judged} judgements hold; ${mutations} mutations are found`)
