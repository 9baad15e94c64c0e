// Players who each send one message of 64 bytes a PERIOD and measure from send to echo: what loadrig's paced
// traffic does. A PERIOD of 0 sends again on each answer, as its pingpong does.
import { WebSocket } from 'k6/websockets';
import { Trend } from 'k6/metrics';

const roundTrip = new Trend('round_trip', true);
const period = Number(__ENV.PERIOD) * 1000; // ms

export const options = {
  scenarios: {
    players: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [
        { duration: `${__ENV.RAMP}s`, target: Number(__ENV.PLAYERS) },
        { duration: `${__ENV.HOLD}s`, target: Number(__ENV.PLAYERS) },
      ],
      gracefulStop: '1s',
      gracefulRampDown: '1s',
    },
  },
};

export default function () {
  const ws = new WebSocket(__ENV.URL);
  const send = () => ws.send(String(Date.now()).padEnd(64, '.'));
  ws.addEventListener('open', () => {
    send();
    if (period > 0) setInterval(send, period);
  });
  ws.addEventListener('message', (e) => {
    roundTrip.add(Date.now() - Number(e.data.split('.')[0]));
    if (period === 0) send();
  });
}
