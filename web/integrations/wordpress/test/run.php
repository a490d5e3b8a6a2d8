<?php
/**
 * Runs the plugin's tests: php run.php. Ends with 1 if one fails.
 */

require __DIR__ . '/stubs.php';

$failed = 0;
$passed = 0;
function same( $got, $want, $what ) {
	global $failed, $passed;
	if ( $got === $want ) {
		++$passed;
		return;
	}
	++$failed;
	echo "FAIL $what\n  got  " . var_export( $got, true ) . "\n  want " . var_export( $want, true ) . "\n";
}
function printed( $call ) {
	ob_start();
	$call();
	return ob_get_clean();
}
function set_up( $more = array() ) {
	$GLOBALS['options']['volenti'] = $more + array(
		'server'  => 'https://consent.example.com',
		'site'    => 'shop',
		'handles' => "google-tag analytics ga4\nmeta-pixel marketing\n",
	);
}

// Nothing is printed, and nothing changed, before it is set up.
same( printed( 'volenti_print_script' ), '', 'nothing without settings' );
same( volenti_declaration() . volenti_settings_link(), '', 'no shortcode without settings' );
same( volenti_gate_script( '<script src="a.js"></script>', 'google-tag', 'a.js' ), '<script src="a.js"></script>', 'nothing gated without settings' );
same( volenti_consent_type( 'optout' ), 'optout', 'another plugin has the word without settings' );

// Settings: what is wrong is not kept.
foreach ( array(
	'https://consent.example.com/'        => 'https://consent.example.com',
	' https://example.com/consent '       => 'https://example.com/consent',
	'http://localhost:8080'               => 'http://localhost:8080',
	'http://consent.example.com'          => '',
	'http://localhost.evil.example'       => '',
	'javascript:alert(1)'                 => '',
	'https://x"><script>alert(1)</script>' => '',
	"https://x' onload='alert(1)"         => '',
	'//consent.example.com'               => '',
) as $entered => $want ) {
	same( volenti_sanitize( array( 'server' => $entered ) )['server'], $want, "server $entered" );
}
foreach ( array( 'shop' => 'shop', 'a' => 'a', '../x' => '', 'Shop' => '', '-a' => '', 'a/b' => '', str_repeat( 'a', 41 ) => '' ) as $entered => $want ) {
	same( volenti_sanitize( array( 'site' => $entered ) )['site'], $want, "site $entered" );
}
foreach ( array( null, 'x', 7, array( 'server' => array(), 'site' => array( 'x' ), 'handles' => 7 ) ) as $odd ) {
	same( volenti_sanitize( $odd ), array( 'server' => '', 'site' => '', 'lang' => false, 'handles' => array() ), 'odd settings' );
}
$handles = volenti_parse_handles( "google-tag analytics ga4\r\n  meta marketing \n\nbad\nx <y>\n" );
same( $handles, array( 'google-tag' => array( 'category' => 'analytics', 'service' => 'ga4' ), 'meta' => array( 'category' => 'marketing', 'service' => '' ) ), 'handles' );
same( volenti_parse_handles( $handles ), $handles, 'handles that were kept' );
same( volenti_sanitize( volenti_sanitize( array( 'server' => 'https://c.example', 'site' => 's', 'lang' => '1', 'handles' => 'a b' ) ) ), volenti_sanitize( array( 'server' => 'https://c.example', 'site' => 's', 'lang' => '1', 'handles' => 'a b' ) ), 'sanitizing twice' );
volenti_register_settings();
same( $GLOBALS['hooks']['sanitize volenti'][0][0], 'volenti_sanitize', 'whoever writes the option, it is sanitized' );

// The banner's line stands before everything WordPress prints, and runs at once.
set_up();
same( $GLOBALS['hooks']['wp_head'][0][0], 'volenti_print_script', 'the line is printed in the head' );
same( $GLOBALS['hooks']['wp_head'][0][1] < 0, true, 'before all else' );
$line = printed( 'volenti_print_script' );
same( strpos( $line, '<script src="https://consent.example.com/b/shop.js" ' ), 0, 'the line' );
same( preg_match( '/\b(async|defer)\b(?!=)/', $line ), 0, 'not async, not deferred' );
set_up( array( 'lang' => '1' ) );
same( volenti_script_url(), 'https://consent.example.com/b/shop.js?lang=de-AT', 'the language of the page' );

// Scripts that wait.
set_up();
$gate = function ( $tag, $handle = 'google-tag' ) {
	return trim( volenti_gate_script( $tag, $handle, '' ) );
};
$marks = ' type="text/plain" data-category="analytics" data-service="ga4"';
same( $gate( '<script src="https://g.example/a.js?x=1&#038;y" id="google-tag-js" async></script>' ), '<script' . $marks . ' data-src="https://g.example/a.js?x=1&#038;y" id="google-tag-js" async></script>', 'an address' );
same( $gate( "<script type='text/javascript' src='a.js' id='x'></script>" ), '<script' . $marks . " data-src='a.js' id='x'></script>", 'the type it had' );
same( $gate( '<script type="module" src="a.js"></script>' ), '<script' . $marks . ' data-type="module" data-src="a.js"></script>', 'a module stays one' );
same( $gate( "<script id=\"a-before\">\nvar a = '<script>';\n</script>\n<script src=\"a.js\"></script>" ), '<script' . $marks . " id=\"a-before\">\nvar a = '<script>';\n</script>\n<script" . $marks . ' data-src="a.js"></script>', 'what stands before it waits as well' );
same( $gate( '<script type="application/json" id="d">{"src":"a"}</script>' ), '<script id="d" type="application/json">{"src":"a"}</script>', 'data is no script' );
same( $gate( '<script type="text/plain" data-category="marketing" data-src="a.js"></script>' ), '<script data-category="marketing" data-src="a.js" type="text/plain"></script>', 'what waits already' );
same( $gate( '<script src="a.js" data-x="a > b"></script>' ), '<script' . $marks . ' data-src="a.js" data-x="a > b"></script>', 'a bracket in an attribute' );
same( $gate( '<script src="a.js"></script>', 'jquery' ), '<script src="a.js"></script>', 'another handle' );
same( $gate( '<script src="a.js"></script>', 'meta-pixel' ), '<script type="text/plain" data-category="marketing" data-src="a.js"></script>', 'without a vendor' );
same( volenti_gate_script( null, 'google-tag', '' ), null, 'what is no text' );
same( $GLOBALS['hooks']['script_loader_tag'][0], array( 'volenti_gate_script', 1000, 3 ), 'after other plugins' );

// What is printed can't break out, whatever stands in the database.
foreach ( array( 'server', 'site', 'handles' ) as $name ) {
	set_up( array( $name => '"><script>alert(1)</script>' ) );
	$GLOBALS['options']['volenti'][ $name ] = '"><script>alert(1)</script>';
	$all = printed( 'volenti_render_page' ) . printed( 'volenti_print_script' ) . volenti_declaration() . volenti_settings_link( array(), '<b onclick="x">"Change"</b>' );
	same( strpos( $all, 'alert(1)' ), false, "nothing of $name comes out" );
}
set_up();
same( volenti_settings_link( array(), '<b onclick="x">"Change"</b>' ), '<a href="https://consent.example.com/privacy/shop/choices?lang=de-AT" data-volenti="open">&quot;Change&quot;</a>', 'the text of the link' );
same( strpos( volenti_settings_link(), '>Privacy settings</a>' ) > 0, true, 'its text by default' );
$declaration = volenti_declaration();
same( strpos( $declaration, '<div data-volenti="declaration"><a href="https://consent.example.com/privacy/shop/cookies?lang=de-AT">' ), 0, 'the declaration, and where it is without script' );
same( strpos( $declaration, '<script async src="https://consent.example.com/b/shop/declaration.js"></script>' ) > 0, true, 'what fills it' );

// The page of settings is for those who may change them.
volenti_add_page();
same( $GLOBALS['hooks']['page volenti'][0][2], 'manage_options', 'who may see the page' );
same( strpos( printed( 'volenti_render_page' ), "google-tag analytics ga4\nmeta-pixel marketing\n" ) > 0, true, 'the handles as they were entered' );
same( substr_count( printed( 'volenti_render_page' ), '_wpnonce' ), 1, 'a nonce' );
$GLOBALS['may'] = false;
same( printed( 'volenti_render_page' ), '', 'not for anybody' );

// The bridge is there with the WP Consent API only.
volenti_enqueue_bridge();
same( $GLOBALS['inline'], array(), 'no bridge without the API' );
if ( true ) { // declared here and not before
	function wp_has_consent() {
		return false;
	}
}
volenti_enqueue_bridge();
same( $GLOBALS['inline'][0][0], 'wp-consent-api', 'the bridge, behind the API' );
same( volenti_consent_type( false ), 'optin', 'opt-in is said' );
same( isset( $GLOBALS['hooks']['wp_consent_api_registered_volenti/volenti.php'] ), true, 'registered with the API' );

// Nothing is left behind.
define( 'WP_UNINSTALL_PLUGIN', true );
require __DIR__ . '/../volenti/uninstall.php';
same( $GLOBALS['options'], array(), 'nothing is left behind' );

echo "$passed passed, $failed failed\n";
exit( $failed ? 1 : 0 );
