// What all servers on Node have in common: they print their port, then count, and print their counts as one
// line of JSON when stdin ends.
'use strict';

const count = { connections: 0, rejected: 0, received: 0, sent: 0, closes: {}, users: 0, tokens: 0, deflated: 0 };
const open = new Set();

// watch counts what goes over a connection.
function watch(ws) {
  open.add(ws);
  count.connections++;
  if (ws.extensions && ws.extensions.includes && ws.extensions.includes('permessage-deflate')) count.deflated++;
  const send = ws.send;
  ws.send = (...args) => {
    if (ws.readyState === 1) count.sent++; // what is sent while it closes goes nowhere
    return send.apply(ws, args);
  };
  ws.on('message', () => { count.received++; });
  ws.on('close', (code) => {
    open.delete(ws);
    count.closes[code] = (count.closes[code] || 0) + 1;
  });
  ws.on('error', () => {});
}

// listen has an HTTP server listen, if it does not yet. last completes the counts.
function listen(server, last = () => {}) {
  const told = () => console.log(server.address().port);
  if (server.listening) told();
  else server.listen({ port: Number(process.env.PORT || 0), host: '127.0.0.1', backlog: 4096 }, told);
  process.stdin.resume();
  process.stdin.on('end', () => {
    // The clients have gone, but the last close events may still be on their way here.
    let turns = 500;
    const timer = setInterval(() => {
      if (open.size > 0 && --turns > 0) return;
      clearInterval(timer);
      last();
      console.log(JSON.stringify(count));
      process.exit(0);
    }, 10);
  });
}

module.exports = { count, watch, listen };
