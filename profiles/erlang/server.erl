%% Answers over HTTP on 127.0.0.1:$PORT, from a table that it makes before it listens.
%%
%% GET /square?n=N        from the table
%% GET /resolve?name=NAME an address, by the VM's own helper for that (inet_gethost)
%% GET /shell?word=WORD   what a program of the system says, started by the VM's helper for that (erl_child_setup)
%% GET /instance          this process as it sees itself: pid, the seconds of its clocks, a counter of its own
-module(server).
-export([start/0]).

-define(SQUARES, 200000).

start() ->
    Table = ets:new(squares, [public, {read_concurrency, true}]),
    ets:insert(Table, [{N, N * N} || N <- lists:seq(0, ?SQUARES)]),
    Port = list_to_integer(os:getenv("PORT", "8206")),
    %% The helper that resolves names starts with the first one.
    {ok, _} = inet:getaddr("localhost", inet),
    {ok, Listener} =
        gen_tcp:listen(Port, [binary, {ip, {127, 0, 0, 1}}, {active, false}, {reuseaddr, true},
                              {backlog, 64}, {packet, http_bin}]),
    io:format("ready~n"),
    accept(Listener, Table, counters:new(1, [])).

accept(Listener, Table, Counter) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Server = spawn(fun() -> serve(Socket, Table, Counter) end),
    ok = gen_tcp:controlling_process(Socket, Server),
    Server ! owner,
    accept(Listener, Table, Counter).

%% A socket that was closed could not be handed over any more, which would end the one that accepts.
serve(Socket, Table, Counter) ->
    receive owner -> ok end,
    case request(Socket) of
        {ok, Path, Query} -> send(Socket, "200 OK", answer(Path, Query, Table, Counter));
        error -> send(Socket, "400 Bad Request", "{}")
    end,
    gen_tcp:close(Socket).

request(Socket) ->
    case gen_tcp:recv(Socket, 0, 5000) of
        {ok, {http_request, 'GET', {abs_path, Target}, _}} ->
            skip_headers(Socket),
            #{path := Path} = Parts = uri_string:parse(Target),
            {ok, Path, maps:from_list(uri_string:dissect_query(maps:get(query, Parts, <<>>)))};
        _ -> error
    end.

skip_headers(Socket) ->
    case gen_tcp:recv(Socket, 0, 5000) of
        {ok, {http_header, _, _, _, _}} -> skip_headers(Socket);
        _ -> ok
    end.

send(Socket, Status, Body) ->
    gen_tcp:send(Socket, ["HTTP/1.1 ", Status, "\r\nContent-Type: application/json\r\nContent-Length: ",
                          integer_to_list(iolist_size(Body)), "\r\nConnection: close\r\n\r\n", Body]).

answer(<<"/square">>, #{<<"n">> := N}, Table, _) ->
    [{_, Square}] = ets:lookup(Table, binary_to_integer(N)),
    io_lib:format("{\"square\": ~b}", [Square]);
answer(<<"/resolve">>, #{<<"name">> := Name}, _, _) ->
    {ok, Address} = inet:getaddr(binary_to_list(Name), inet),
    io_lib:format("{\"address\": \"~s\"}", [inet:ntoa(Address)]);
answer(<<"/shell">>, #{<<"word">> := Word}, _, _) ->
    Port = open_port({spawn_executable, "/bin/echo"}, [{args, [Word]}, exit_status, binary]),
    io_lib:format("{\"said\": \"~s\"}", [heard(Port, <<>>)]);
answer(<<"/instance">>, _, _, Counter) ->
    counters:add(Counter, 1, 1),
    io_lib:format("{\"pid\": ~s, \"answered\": ~b, \"seconds\": ~b, \"system\": ~b}",
                  [os:getpid(), counters:get(Counter, 1), os:system_time(second),
                   erlang:system_time(second)]);
answer(_, _, _, _) -> "{}".

heard(Port, Said) ->
    receive
        {Port, {data, More}} -> heard(Port, <<Said/binary, More/binary>>);
        {Port, {exit_status, 0}} -> string:trim(Said)
    after 5000 -> <<"nothing">>
    end.
