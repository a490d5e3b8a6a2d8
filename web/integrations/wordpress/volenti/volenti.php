<?php
/**
 * Plugin Name:       Volenti
 * Description:       Puts the banner of your Volenti consent server into every page, and holds scripts back until their category is allowed.
 * Version:           1.0.0
 * Requires at least: 5.9
 * Requires PHP:      7.4
 * License:           Apache-2.0
 * Text Domain:       volenti
 */

defined( 'ABSPATH' ) || exit;

require_once __DIR__ . '/includes/settings.php';
require_once __DIR__ . '/includes/scripts.php';
require_once __DIR__ . '/includes/consent-api.php';
require_once __DIR__ . '/includes/shortcodes.php';

add_action( 'admin_menu', 'volenti_add_page' );
add_action( 'admin_init', 'volenti_register_settings' );

// First in <head>: before the title, and before the scripts and styles that WordPress prints at 1 and later.
add_action( 'wp_head', 'volenti_print_script', -1000 );
add_filter( 'script_loader_tag', 'volenti_gate_script', 1000, 3 );

add_filter( 'wp_consent_api_registered_volenti/volenti.php', '__return_true' );
add_filter( 'wp_get_consent_type', 'volenti_consent_type' );
add_action( 'wp_enqueue_scripts', 'volenti_enqueue_bridge' );

add_shortcode( 'volenti_declaration', 'volenti_declaration' );
add_shortcode( 'volenti_settings', 'volenti_settings_link' );
