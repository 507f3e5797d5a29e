<?php
// GET /film?number=N   one film of the catalogue
// GET /worker          who has answered: its pid and its user
declare(strict_types=1);

require __DIR__ . '/catalogue.php';

header('Content-Type: application/json');
parse_str($_SERVER['QUERY_STRING'] ?? '', $query);
echo json_encode(match ($_SERVER['SCRIPT_NAME'] ?? '') {
    '/film' => film((int) ($query['number'] ?? 1)),
    '/worker' => ['pid' => getmypid(), 'user' => posix_geteuid(), 'cached' => opcache_is_script_cached(__FILE__)],
    default => null,
}), "\n";
