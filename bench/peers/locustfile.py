"""Players who each send one message of 64 bytes a PERIOD and wait for the echo.

Locust has no WebSocket client of its own; this is its documented way to bring one, a User with a client that reports
to events.request.
"""
import os
import time

import websocket
from locust import User, constant_pacing, task


class Player(User):
    wait_time = constant_pacing(float(os.environ["PERIOD"]))

    def on_start(self):
        self.socket = websocket.create_connection(self.host)

    def on_stop(self):
        self.socket.close()

    @task
    def echo(self):
        sent = time.perf_counter()
        error = None
        try:
            self.socket.send("." * 64)
            self.socket.recv()
        except Exception as e:  # a failure is a figure of Locust's, too
            error = e
        self.environment.events.request.fire(
            request_type="WS", name="echo", response_length=64, exception=error,
            response_time=(time.perf_counter() - sent) * 1000, context={},
        )
