// An echo server on Node's ws. With DEFLATE set, to ws's options as JSON, it compresses. With JWKS_FILE set it
// admits only players with a delegated token that the key set verifies and with the headers of the World
// scope; with WHOAMI too, it answers {"op": "whoami"} with what the token says. With TLS_CERT and TLS_KEY set it speaks TLS.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const { WebSocketServer } = require('ws');
const { count, watch, listen } = require('./counting.js');

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

// whoami answers as loadrig's own json-auth server does; null if the message is no such question.
function whoami(data, claims) {
  const c = JSON.parse(data);
  if (c.op !== 'whoami') return null;
  return JSON.stringify({
    op: 'whoami', user: claims.user_id, organization: claims.organization_id, project: claims.project_id,
    world: claims.world_id, scopes: claims.scopes, expires: claims.exp, id: c.id,
  });
}

// admit gives what is known of a player; null for one that may not come in.
function admit(request) {
  if (!process.env.JWKS_FILE) return {};
  const h = request.headers;
  try {
    const bearer = /^Bearer (.+)$/.exec(h.authorization || '');
    const claims = verify(bearer[1]);
    if (!h['x-m2-organization-id'] || !h['x-m2-project-id'] || !h['x-m2-world-id']) return null;
    if (claims.organization_id !== h['x-m2-organization-id'] || claims.project_id !== h['x-m2-project-id'] ||
        claims.world_id !== h['x-m2-world-id'] || !Array.isArray(claims.scopes) || !Array.isArray(claims.aud)) return null;
    users.add(claims.user_id);
    tokens.add(bearer[1]);
    return claims;
  } catch (e) {
    return null;
  }
}

const { TLS_CERT, TLS_KEY } = process.env;
const server = TLS_CERT
  ? https.createServer({ cert: fs.readFileSync(TLS_CERT), key: fs.readFileSync(TLS_KEY) })
  : http.createServer();
const wss = new WebSocketServer({
  noServer: true, perMessageDeflate: process.env.DEFLATE ? JSON.parse(process.env.DEFLATE) : false, handleProtocols: (offered) => offered.values().next().value,
});
server.on('upgrade', (request, socket, head) => {
  const claims = admit(request);
  if (!claims) {
    count.rejected++;
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  wss.handleUpgrade(request, socket, head, (ws) => {
    watch(ws);
    ws.on('message', (data, binary) => {
      ws.send((process.env.WHOAMI && whoami(data, claims)) || data, { binary });
    });
  });
});
listen(server, () => {
  count.users = users.size;
  count.tokens = tokens.size;
});
