import Head from 'next/head';

export async function getServerSideProps() {
  return { props: { node: process.version, greeting: process.env.GREETING ?? 'Hello' } };
}

export default function About({ node, greeting }) {
  return (
    <main style={{ fontFamily: 'system-ui, sans-serif', margin: '3rem auto', maxWidth: '45rem' }}>
      <Head><title>About</title></Head>
      <h1>{greeting} from the pages router</h1>
      <p>Rendered by Node.js {node}.</p>
    </main>
  );
}
