const { PHASE_PRODUCTION_SERVER } = require('next/constants');

const major = Number.parseInt(require('next/package.json').version, 10);

// `next start` reads this file too, so a release that is to fail can be told so by its variables alone.
module.exports = (phase) => {
  if (phase === PHASE_PRODUCTION_SERVER && process.env.FAULT) require('./faults').begin(process.env.FAULT);
  return {
    poweredByHeader: false,
    ...(major >= 16 ? { turbopack: { root: __dirname } } : {}),
  };
};
