<?php
/**
 * What a page can hold: [volenti_declaration] and [volenti_settings].
 *
 * @package Volenti
 */

defined( 'ABSPATH' ) || exit;

/**
 * Address of a page of the consent server, in the language of this one.
 *
 * @param string $page "cookies" or "choices".
 */
function volenti_page_url( string $page ): string {
	$settings = volenti_settings();
	return $settings['server'] . '/privacy/' . $settings['site'] . '/' . $page . '?lang=' . rawurlencode( get_bloginfo( 'language' ) );
}

/** The cookie declaration. Without script its link leads to the same on the server. */
function volenti_declaration(): string {
	$settings = volenti_settings();
	if ( '' === volenti_script_url() ) {
		return '';
	}
	// phpcs:ignore WordPress.WP.EnqueuedResources.NonEnqueuedScript
	return '<div data-volenti="declaration"><a href="' . esc_url( volenti_page_url( 'cookies' ) ) . '">' . esc_html__( 'Cookie declaration', 'volenti' ) . '</a></div>'
		. '<script async src="' . esc_url( $settings['server'] . '/b/' . $settings['site'] . '/declaration.js' ) . '"></script>';
}

/**
 * A link that opens the choices, and leads to them where the banner is not there. Enclosed text is the link's.
 *
 * @param mixed $attributes Not used: the shortcode has none.
 * @param mixed $content    Text between the opening and the closing shortcode.
 */
function volenti_settings_link( $attributes = array(), $content = null ): string {
	if ( '' === volenti_script_url() ) {
		return '';
	}
	$text = is_string( $content ) && '' !== trim( $content ) ? wp_strip_all_tags( $content ) : __( 'Privacy settings', 'volenti' );
	return '<a href="' . esc_url( volenti_page_url( 'choices' ) ) . '" data-volenti="open">' . esc_html( $text ) . '</a>';
}
