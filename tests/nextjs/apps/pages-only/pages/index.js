export function getServerSideProps() {
  return {props: {greeting: process.env.GREETING || 'nothing'}};
}

export default function Home({greeting}) {
  return <main>pages-only says {greeting}</main>;
}
