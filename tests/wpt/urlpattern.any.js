// What is expected of URLPattern, by the list that web-platform-tests have of it. What a component is to be where an entry does not say
// so follows from what the pattern was made of: what inherits from a base, and what is left open.
const order = ['protocol', 'hostname', 'port', 'pathname', 'search', 'hash'];
const components = [...order, 'username', 'password'];
const shown = (value) => JSON.stringify(value) ?? 'undefined';
const earlier = {
  protocol: [], hostname: ['protocol'], port: ['protocol', 'hostname'], pathname: ['protocol', 'hostname', 'port'],
  search: ['protocol', 'hostname', 'port', 'pathname'], hash: ['protocol', 'hostname', 'port', 'pathname', 'search'],
  username: [], password: [],
};

const expected = ({ pattern: [first, second], expected_obj: said = {}, exactly_empty_components: empty = [] }, name) => {
  if (said[name] !== undefined) return said[name];
  if (empty.includes(name)) return '';
  const init = typeof first === 'object' ? first : undefined;
  if (init?.[name] !== undefined) return init[name];
  if (init && earlier[name].some((other) => other in init)) return '*';
  const base = init ? init.baseURL : typeof second === 'string' ? second : undefined;
  if (base === undefined || name === 'username' || name === 'password') return '*';
  const part = new URL(base)[name];
  return name === 'protocol' ? part.slice(0, -1) : name === 'search' || name === 'hash' ? part.slice(1) : part;
};

promise_test(async () => {
  const entries = await (await fetch('resources/urlpatterntestdata.json')).json();
  for (const entry of entries) {
    if (typeof entry === 'string') continue;
    test(() => {
      if (entry.expected_obj === 'error') {
        assert_throws_js(TypeError, () => new URLPattern(...entry.pattern));
        return;
      }
      const pattern = new URLPattern(...entry.pattern);
      for (const name of components) assert_equals(pattern[name], expected(entry, name), name);
      if (entry.expected_match === 'error') {
        assert_throws_js(TypeError, () => pattern.test(...entry.inputs));
        assert_throws_js(TypeError, () => pattern.exec(...entry.inputs));
        return;
      }
      const found = pattern.exec(...(entry.inputs ?? []));
      assert_equals(pattern.test(...(entry.inputs ?? [])), !!entry.expected_match, 'test');
      if (!entry.expected_match) {
        assert_equals(found, null, 'exec');
        return;
      }
      assert_object_equals(found.inputs, entry.expected_match.inputs ?? entry.inputs);
      for (const name of components) {
        const match = entry.expected_match[name] ?? { input: '', groups: {} };
        // A component that is left open matches all in one group.
        if (!entry.expected_match[name] && pattern[name] === '*') match.groups['0'] = '';
        // JSON has no `undefined`: there it is `null`.
        for (const group in match.groups) match.groups[group] ??= undefined;
        assert_object_equals(found[name], match);
      }
    }, `${shown(entry.pattern)} ${shown(entry.inputs)}`);
  }
}, 'the list is there');
