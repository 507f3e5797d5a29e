"""Films, made when the application is imported.

GET /film?number=N  one film of the catalogue
GET /worker         who has answered: its pid
"""

import hashlib
import json
import os
from urllib.parse import parse_qs


def film(number):
    return {"number": number, "title": f"Film {number}", "digest": hashlib.sha256(str(number).encode()).hexdigest()}


FILMS = {number: film(number) for number in range(1, 20_001)}


def application(environ, start_response):
    number = int(parse_qs(environ["QUERY_STRING"]).get("number", ["1"])[0])
    answers = {"/film": lambda: FILMS.get(number), "/worker": lambda: {"pid": os.getpid()}}
    body = json.dumps(answers.get(environ["PATH_INFO"], lambda: None)()).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
