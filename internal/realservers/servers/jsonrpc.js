// A JSON-RPC 2.0 server: rpc-websockets. It adds numbers, and takes notifications that something was seen.
'use strict';
const http = require('http');
const { Server } = require('rpc-websockets');
const { count, watch, listen } = require('./counting.js');

const server = http.createServer();
const rpc = new Server({ server });
count.seen = 0;
rpc.register('add', ([a, b]) => a + b);
rpc.register('seen', () => { count.seen++; });
rpc.wss.on('connection', watch);
listen(server);
