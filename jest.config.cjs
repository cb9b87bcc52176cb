const { readFileSync } = require('node:fs');

const swc = JSON.parse(readFileSync(`${__dirname}/.swcrc`, 'utf8'));
delete swc.jsc.baseUrl;
delete swc.jsc.paths;

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, swcrc: false }] },
  moduleNameMapper: { '^@app/([^/]+)$': '<rootDir>/libs/$1/index.ts', '^(\\.{1,2}/.*)\\.js$': '$1' },
  globalSetup: '<rootDir>/scripts/jest/global-setup.cjs',
  globalTeardown: '<rootDir>/scripts/jest/global-teardown.cjs',
  // A busy machine is no failure.
  testTimeout: 30_000,
  testMatch: ['<rootDir>/{apps,libs,test}/**/*.spec.ts'],
  // Three brokers need the machine for themselves: npm run test:brokers. Alerts take a minute: npm run test:alerts; so does a browser: npm run test:console. The chart needs helm: npm run test:helm.
  testPathIgnorePatterns: [
    '/node_modules/',
    '/broker-failover\\.int\\.spec\\.ts$',
    '/alerts\\.e2e\\.spec\\.ts$',
    '/chart\\.e2e\\.spec\\.ts$',
    '\\.browser\\.spec\\.ts$',
  ],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.rollbook'],
};
