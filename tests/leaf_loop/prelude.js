// What each generated program begins with: a log of texts, which is its result.
const lines = []

const show = (value, depth = 0) => {
  switch (typeof value) {
    case 'number': return Object.is(value, -0) ? '-0' : String(value)
    case 'string': return JSON.stringify(value)
    case 'bigint': return `${value}n`
    case 'symbol': return value.toString()
    case 'function': return 'function'
    case 'object': if (value !== null) break
    default: return String(value)
  }
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (depth > 2) return '...'
  const member = (key) => {
    const found = Object.getOwnPropertyDescriptor(value, key)
    if (found === undefined) return ''
    const flags = (found.writable ? 'w' : '') + (found.enumerable ? 'e' : '') + (found.configurable ? 'c' : '')
    return `${String(key)}/${flags}: ${found.get ? 'getter' : show(found.value, depth + 1)}`
  }
  const kind = ArrayBuffer.isView(value) ? value.constructor.name : Array.isArray(value) ? 'Array' : 'Object'
  const count = kind === 'Object' ? '' : value.length
  return `${kind}${count}{${Reflect.ownKeys(value).slice(0, 12).map(member).join(', ')}}`
}

const log = (...values) => {
  if (lines.length < 300) lines.push(values.map((value) => show(value)).join(' '))
}

// Keeps texts from growing without end.
const cap = (value) => (typeof value === 'string' && value.length > 40 ? value.slice(0, 3) : value)

const spy = (target) => new Proxy(target, {
  get(from, key) { log('get', String(key)); return from[key] },
  set(to, key, value, receiver) { log('set', String(key)); return Reflect.set(to, key, value, receiver) },
  has(of, key) { log('has', String(key)); return key in of },
})

// What the arguments of calls name; functions have variables of their own by these names.
let v0 = 'global', v1 = 1, n0 = 2, c1

// Variables of the global object and of the script, for all functions.
var g0 = 'g', gn = 3
let g1 = {}, gm = -0

const finish = (result) => {
  log('returned', result?.value)
  log('later', result?.inner(1, 'late'))
}

// Runs a function to its end, be it a generator, asynchronous, a class, or none of these.
const drive = async (callee, ...values) => {
  try {
    const result = /^class/.test(callee) ? new callee(...values) : callee(...values)
    if (typeof result?.next !== 'function') return finish(await result)
    for (let step, sent = 0; ; ) {
      step = await result.next(sent++)
      if (step.done) return finish(step.value)
      log('yielded', step.value)
    }
  } catch (error) {
    log('threw', error)
  }
}
