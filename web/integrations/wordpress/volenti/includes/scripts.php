<?php
/**
 * The banner's line, and the scripts that wait.
 *
 * @package Volenti
 */

defined( 'ABSPATH' ) || exit;

/** Address of the banner script, or "" while nothing is set up. */
function volenti_script_url(): string {
	$settings = volenti_settings();
	if ( '' === $settings['server'] || '' === $settings['site'] ) {
		return '';
	}
	$url = $settings['server'] . '/b/' . $settings['site'] . '.js';
	return $settings['lang'] ? $url . '?lang=' . rawurlencode( get_bloginfo( 'language' ) ) : $url;
}

/**
 * Prints the banner's line: without async and defer, so that it runs before whatever stands below it. It is printed, not
 * enqueued, because optimizers defer and join what is enqueued; the attributes are those by which the widely used ones
 * leave a script alone.
 */
function volenti_print_script(): void {
	$url = volenti_script_url();
	if ( '' === $url ) {
		return;
	}
	// phpcs:ignore WordPress.WP.EnqueuedResources.NonEnqueuedScript
	echo '<script src="' . esc_url( $url ) . '" data-cfasync="false" data-no-optimize="1" data-no-defer="1" data-noptimize="1"></script>' . "\n";
}

/**
 * Marks the script of a handle that waits: type="text/plain", its category, and its address where no browser fetches it.
 *
 * @param mixed  $tag    The markup that WordPress would print; inline scripts may stand before and after it.
 * @param string $handle The script's handle.
 * @param string $src    Its address.
 */
function volenti_gate_script( $tag, $handle, $src = '' ) {
	$handles = volenti_settings()['handles'];
	if ( ! is_string( $tag ) || ! isset( $handles[ $handle ] ) || '' === volenti_script_url() ) {
		return $tag;
	}
	$marks = ' type="text/plain" data-category="' . esc_attr( $handles[ $handle ]['category'] ) . '"';
	if ( '' !== $handles[ $handle ]['service'] ) {
		$marks .= ' data-service="' . esc_attr( $handles[ $handle ]['service'] ) . '"';
	}
	// Element by element, so that what a script says of "<script>" stays what it says.
	return preg_replace_callback(
		'~<script\b((?:[^>"\']|"[^"]*"|\'[^\']*\')*)>(.*?</script\s*>)~is',
		function ( $found ) use ( $marks ) {
			return volenti_mark( $found[1], $marks ) . $found[2];
		},
		$tag
	);
}

/**
 * One opening tag, marked. What is data (application/json, an import map) or waits already stays as it is.
 *
 * @param string $attributes As they stand in the tag.
 * @param string $marks      What is added.
 */
function volenti_mark( string $attributes, string $marks ): string {
	$type = '';
	if ( preg_match( '~\stype\s*=\s*(?:"([^"]*)"|\'([^\']*)\'|([^\s>]+))~i', $attributes, $found ) ) {
		$type       = strtolower( trim( end( $found ) ) );
		$attributes = str_replace( $found[0], '', $attributes );
	}
	if ( ! in_array( $type, array( '', 'text/javascript', 'application/javascript', 'module' ), true ) || preg_match( '~\sdata-category\s*=~i', $attributes ) ) {
		return '<script' . $attributes . ( '' === $type ? '' : ' type="' . esc_attr( $type ) . '"' ) . '>';
	}
	$attributes = preg_replace( '~\ssrc\s*=~i', ' data-src=', $attributes );
	return '<script' . $marks . ( 'module' === $type ? ' data-type="module"' : '' ) . $attributes . '>';
}
