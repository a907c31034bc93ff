import '../styles/global.css';

export const metadata = {
  title: 'Example app',
  description: 'A small Next.js app with a bit of everything',
};

export default function RootLayout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
