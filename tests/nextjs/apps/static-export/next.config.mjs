/** @type {import('next').NextConfig} */
export default {
  output: 'export',
  // This directory is the whole app, wherever it is copied to.
  turbopack: { root: import.meta.dirname },
};
