// Comes behind the harness, and before the tests: it says what failed, and how many did not. What is about elements of pages, and about
// requests of theirs, is not counted.
const isElsewhere = ({ name }) => /\(using <a|\((XMLHttpRequest|document\.\w+.*)\)$/.test(name);
self.location = { search: '', href: 'https://example.test/', pathname: '/' };
setup({ explicit_done: true, explicit_timeout: true });
const finished = new Promise((end) => add_completion_callback((all, status) => {
  const tests = all.filter((test) => !isElsewhere(test));
  const failed = tests.filter((test) => test.status !== test.PASS);
  for (const { name, message } of failed.slice(0, 1000)) {
    console.log(`FAIL ${`${name}: ${message ?? 'did not end'}`.replaceAll(/\s+/g, ' ').slice(0, 300).toWellFormed()}`);
  }
  if (status.status !== status.OK) console.log(`FAIL the harness: ${status.message ?? 'did not end'}`);
  console.log(`RATE ${tests.length - failed.length} ${tests.length}`);
  end();
}));
