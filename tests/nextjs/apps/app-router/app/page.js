export const dynamic = 'force-dynamic';

export default function Page() {
  return <main>{`app-router says ${process.env.GREETING || 'nothing'}`}</main>;
}
