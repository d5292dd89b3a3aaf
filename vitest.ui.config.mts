// The tests that drive a real VS Code as a person would: one server and one browser for all of them.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/e2e/ui/**/*.test.ts'],
    setupFiles: ['test/e2e/harness/on-failure.ts'],
    globalSetup: ['test/e2e/harness/launch.ts'],
    expect: { requireAssertions: true },
    allowOnly: false,
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    teardownTimeout: 20_000,
  },
});
