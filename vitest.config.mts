// Units, properties and conformance: everything that needs no editor.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    expect: { requireAssertions: true },
    allowOnly: false,
    testTimeout: 60_000,
    setupFiles: ['test/support/seed.ts'],
  },
});
