// Tests are compiled first (make test-js, make test-web) and run as native ES modules.
const project = (name) => ({
  displayName: name,
  rootDir: `build/tests-${name}`,
  testMatch: ['<rootDir>/*.test.js'],
  testEnvironment: 'node',
  transform: {},
});

export default {
  projects: [project('js'), project('web')],
  testTimeout: 240000,
};
