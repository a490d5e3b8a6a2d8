<?php
/**
 * Takes away what the plugin kept: its one option, on every site of a network.
 *
 * @package Volenti
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

if ( is_multisite() ) {
	foreach ( get_sites(
		array(
			'fields' => 'ids',
			'number' => 0,
		)
	) as $volenti_site ) {
		delete_blog_option( $volenti_site, 'volenti' );
	}
} else {
	delete_option( 'volenti' );
}
