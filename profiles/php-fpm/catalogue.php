<?php
declare(strict_types=1);

/** One film, with what its number says of it. */
function film(int $number): array
{
    return ['number' => $number, 'title' => "Film $number", 'digest' => hash('sha256', (string) $number)];
}
