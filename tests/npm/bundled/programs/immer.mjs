import { applyPatches, createDraft, current, enableMapSet, enablePatches, finishDraft, freeze, isDraft, original, produce, produceWithPatches } from "immer";
enableMapSet(); enablePatches();
const base = { list: [{ n: 1 }, { n: 2 }], map: new Map([["a", { v: 1 }]]), set: new Set([1]), deep: { same: {} } };
const [next, patches, inverse] = produceWithPatches(base, (draft) => { draft.list[1].n++; draft.list.push({ n: 9 }); draft.map.get("a").v = 7; draft.map.set("b", 2); draft.set.add(2); delete draft.deep.gone });
console.log(JSON.stringify([next.list, [...next.map], [...next.set], patches, inverse], (key, value) => (value instanceof Map || value instanceof Set ? [...value] : value)));
console.log([next.deep === base.deep, next.list[0] === base.list[0], Object.isFrozen(next), base.list.length, isDraft(next)].join());
console.log(JSON.stringify(applyPatches(next, inverse).list));
const draft = createDraft({ a: 1 }); draft.a++; console.log(JSON.stringify([original(draft), current(draft), finishDraft(draft)]));
try { next.list.push(1) } catch (error) { console.log(error.name) }
console.log(String(produce({ a: 1 }, () => undefined).a) + JSON.stringify(freeze({ a: { b: 1 } }, true)));
