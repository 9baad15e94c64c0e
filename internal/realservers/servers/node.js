// An echo server on Node's ws. It prints its port, then counts, and prints its counts as one line of JSON
// when stdin ends. With JWKS_FILE set it admits only players with a delegated token that the key set
// verifies and with the headers of the World scope. With TLS_CERT and TLS_KEY set it speaks TLS.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const { WebSocketServer } = require('ws');

const count = { connections: 0, rejected: 0, received: 0, sent: 0, closes: {}, users: 0, tokens: 0 };
const users = new Set();
const tokens = new Set();

function verify(token) {
  const [head, body, signature] = token.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  const jwk = JSON.parse(fs.readFileSync(process.env.JWKS_FILE)).keys.find((k) => k.kid === header.kid);
  if (!jwk) throw new Error('unknown kid');
  const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  const data = Buffer.from(head + '.' + body);
  const sig = Buffer.from(signature, 'base64url');
  const ok =
    header.alg === 'ES256' ? crypto.verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, sig)
    : header.alg === 'EdDSA' ? crypto.verify(null, data, key, sig)
    : header.alg === 'RS256' ? crypto.verify('sha256', data, key, sig)
    : false;
  if (!ok) throw new Error('bad signature');
  const now = Date.now() / 1000;
  if (claims.exp < now || claims.iat > now) throw new Error('not valid now');
  return claims;
}

function admit(request) {
  if (!process.env.JWKS_FILE) return true;
  const h = request.headers;
  try {
    const bearer = /^Bearer (.+)$/.exec(h.authorization || '');
    const claims = verify(bearer[1]);
    if (!h['x-m2-organization-id'] || !h['x-m2-project-id'] || !h['x-m2-world-id']) return false;
    if (claims.organization_id !== h['x-m2-organization-id'] || claims.project_id !== h['x-m2-project-id'] ||
        claims.world_id !== h['x-m2-world-id'] || !Array.isArray(claims.scopes) || !Array.isArray(claims.aud)) return false;
    users.add(claims.user_id);
    tokens.add(bearer[1]);
    return true;
  } catch (e) {
    return false;
  }
}

const { TLS_CERT, TLS_KEY } = process.env;
const server = TLS_CERT
  ? https.createServer({ cert: fs.readFileSync(TLS_CERT), key: fs.readFileSync(TLS_KEY) })
  : http.createServer();
const wss = new WebSocketServer({
  noServer: true, perMessageDeflate: false, handleProtocols: (offered) => offered.values().next().value,
});
server.on('upgrade', (request, socket, head) => {
  if (!admit(request)) {
    count.rejected++;
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  wss.handleUpgrade(request, socket, head, (ws) => {
    count.connections++;
    ws.on('message', (data, binary) => {
      count.received++;
      ws.send(data, { binary });
      count.sent++;
    });
    ws.on('close', (code) => { count.closes[code] = (count.closes[code] || 0) + 1; });
    ws.on('error', () => {});
  });
});
server.listen({ port: Number(process.env.PORT || 0), host: '127.0.0.1', backlog: 4096 }, () => console.log(server.address().port));

process.stdin.resume();
process.stdin.on('end', () => {
  // The clients have gone, but the last close events may still be on their way here.
  let turns = 500;
  const timer = setInterval(() => {
    if (wss.clients.size > 0 && --turns > 0) return;
    clearInterval(timer);
    count.users = users.size;
    count.tokens = tokens.size;
    console.log(JSON.stringify(count));
    process.exit(0);
  }, 10);
});
