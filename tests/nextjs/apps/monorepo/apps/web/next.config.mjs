export default {output: 'standalone'};
