export const dynamic = 'force-dynamic';

const words: readonly string[] = ['typescript', 'says', process.env.GREETING ?? 'nothing'];

export default function Page() {
  return <main>{words.join(' ')}</main>;
}
