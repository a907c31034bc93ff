export const dynamicParams = false;

export function generateStaticParams() {
  return [{ slug: 'first' }, { slug: 'second' }];
}

export default async function Post({ params }) {
  const { slug } = await params;
  return <h1>Post {slug}</h1>;
}
