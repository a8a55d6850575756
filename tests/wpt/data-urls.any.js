// What fetching `data:` URLs is to give, by the lists that web-platform-tests have of it: a URL, the type, and the bytes, or null.
for (const list of ['data-urls', 'base64']) {
  promise_test(async () => {
    for (const entry of await (await fetch(`resources/${list}.json`)).json()) {
      // The second list is of texts in base64, and their bytes.
      const [url, type, bytes] =
        list === 'base64' ? [`data:;base64,${entry[0]}`, entry[1] && 'text/plain;charset=US-ASCII', entry[1]] : entry;
      promise_test(async (test) => {
        if (!type) return promise_rejects_js(test, TypeError, fetchedByEngine(url));
        const response = await fetchedByEngine(url);
        assert_equals(response.status, 200);
        assert_equals(response.headers.get('content-type'), type);
        assert_array_equals([...new Uint8Array(await response.arrayBuffer())], bytes);
      }, url);
    }
  }, `the list of ${list} is there`);
}
