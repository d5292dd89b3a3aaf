// The suites' `expect`: chai's, counting, so that a test that asserts nothing is a failed test.
import * as chai from 'chai';

let assertions = 0;

/** Starts an assertion: `expect(value).to.equal(other)`; see chai's BDD interface. */
export function expect(value: unknown, message?: string): Chai.Assertion {
  assertions += 1;
  return chai.expect(value, message);
}

/** How many assertions were started since the last call. */
export function takeAssertionCount(): number {
  const count = assertions;
  assertions = 0;
  return count;
}
