#!/bin/sh
# Makes a repository with the app in it: origin.sh REPOSITORY BRANCH
set -e
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
git init -q -b "$2" .
cat > server.js <<'JS'
const http = require('http')
const settings = require(process.argv[2])
http.createServer((_, answer) => answer.end(`shop ${settings.features.search}\n`)).listen(settings.port, '127.0.0.1')
JS
mkdir config
echo '{}' > config/example.json
git add .
git -c user.name=Anna -c user.email=anna@example.com commit -q -m 'The first release'
git init -q --bare --template= -b "$2" "$1"
git push -q "$1" "$2"
