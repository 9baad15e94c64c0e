// Rooms and a game on Node's ws, for the scenarios that loadrig's own servers are for: what is said in a room
// goes to all who joined it, and who entered the game gets 20 ticks a second.
'use strict';
const http = require('http');
const { WebSocketServer } = require('ws');
const { watch, listen } = require('./counting.js');

const rooms = new Map();
const entered = new Set();

function members(room) {
  if (!rooms.has(room)) rooms.set(room, new Set());
  return rooms.get(room);
}

const ops = {
  join(ws, c) {
    members(c.room).add(ws);
    return { op: 'joined', room: c.room, members: members(c.room).size };
  },
  leave(ws, c) {
    members(c.room).delete(ws);
    return { op: 'left', room: c.room, members: members(c.room).size };
  },
  say(ws, c, text) {
    if (!members(c.room).has(ws)) return { op: 'error', error: 'not in that room' };
    for (const to of members(c.room)) to.send(text);
  },
  enter(ws) {
    entered.add(ws);
    return { op: 'entered', rate: 20 };
  },
  move(ws, c) {
    if (!entered.has(ws)) return { op: 'error', error: 'not there' };
    if (c.id !== undefined) return { op: 'moved' };
  },
};

const server = http.createServer();
const wss = new WebSocketServer({ server });
wss.on('connection', (ws) => {
  watch(ws);
  ws.on('message', (data) => {
    const c = JSON.parse(data);
    const answer = ops[c.op](ws, c, data.toString());
    if (answer) ws.send(JSON.stringify({ ...answer, id: c.id }));
  });
  ws.on('close', () => {
    entered.delete(ws);
    for (const m of rooms.values()) m.delete(ws);
  });
});
let n = 0;
setInterval(() => {
  const tick = JSON.stringify({ op: 'tick', n: ++n, players: entered.size });
  for (const ws of entered) ws.send(tick);
}, 50);
listen(server);
