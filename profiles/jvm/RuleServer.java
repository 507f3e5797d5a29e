import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Prices by rules that are Java source, over HTTP on 127.0.0.1:$PORT.
 *
 * <p>GET /price?rule=NAME&amp;amount=N gives the price; POST /rule?name=NAME with the body of a method compiles one more
 * rule; GET /instance tells what this process sees of itself: its pid, a counter of its own, random bytes.
 */
public final class RuleServer {
    private final Rules rules = new Rules();
    private final AtomicLong answered = new AtomicLong();

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8204"));
        RuleServer app = new RuleServer();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 64);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/price", exchange -> app.handle(exchange, app::price));
        server.createContext("/rule", exchange -> app.handle(exchange, app::rule));
        server.createContext("/instance", exchange -> app.handle(exchange, app::instance));
        server.start();
    }

    private interface Page {
        String answer(Map<String, String> query, String body);
    }

    private String price(Map<String, String> query, String body) {
        String rule = query.getOrDefault("rule", "weekend");
        long amount = Long.parseLong(query.getOrDefault("amount", "0"));
        return "{\"rule\": \"%s\", \"amount\": %d, \"price\": %d}".formatted(rule, amount, rules.price(rule, amount));
    }

    private String rule(Map<String, String> query, String body) {
        rules.add(query.getOrDefault("name", "added"), body);
        return "{\"rules\": %d}".formatted(rules.count());
    }

    private String instance(Map<String, String> query, String body) {
        byte[] random = new byte[8];
        new java.security.SecureRandom().nextBytes(random);
        return "{\"pid\": %d, \"answered\": %d, \"rules\": %d, \"random\": \"%s\"}".formatted(
                pid(), answered.incrementAndGet(), rules.count(),
                HexFormat.of().formatHex(random));
    }

    /** As the kernel has it now: ProcessHandle keeps the pid that it saw first, which a launch from an image changes. */
    private static long pid() {
        try {
            return Long.parseLong(Files.readSymbolicLink(Path.of("/proc/self")).toString());
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private void handle(HttpExchange exchange, Page page) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            int status = 200;
            String answer;
            try {
                answer = page.answer(query(exchange), body);
            } catch (IllegalArgumentException wrong) {
                status = 400;
                answer = "{\"error\": \"%s\"}".formatted(wrong.getMessage().replaceAll("[\"\\\\\n]", " "));
            }
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    private static Map<String, String> query(HttpExchange exchange) {
        Map<String, String> query = new HashMap<>();
        String raw = exchange.getRequestURI().getQuery();
        if (raw == null) return query;
        for (String pair : raw.split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(parts[0], parts.length > 1 ? parts[1] : "");
        }
        return query;
    }
}
