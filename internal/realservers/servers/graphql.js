// A GraphQL server: graphql-ws over Node's ws, by the protocol graphql-transport-ws.
'use strict';
const http = require('http');
const { GraphQLObjectType, GraphQLSchema, GraphQLString } = require('graphql');
const { useServer } = require('graphql-ws/use/ws');
const { WebSocketServer } = require('ws');
const { watch, listen } = require('./counting.js');

const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: { hello: { type: GraphQLString, resolve: () => 'world' } },
  }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      greetings: {
        type: GraphQLString,
        subscribe: async function* () {
          for (const hi of ['Hi', 'Bonjour', 'Hola', 'Ciao', 'Zdravo']) yield { greetings: hi };
        },
      },
    },
  }),
});

const server = http.createServer();
const wss = new WebSocketServer({ server, handleProtocols: (offered) => offered.has('graphql-transport-ws') && 'graphql-transport-ws' });
wss.on('connection', watch);
useServer({ schema }, wss);
listen(server);
