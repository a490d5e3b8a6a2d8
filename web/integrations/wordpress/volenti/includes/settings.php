<?php
/**
 * The settings: where the server stands, which site it is, which script handles belong to which category.
 *
 * @package Volenti
 */

defined( 'ABSPATH' ) || exit;

/**
 * The settings, each in the form it has to have; what has not is "".
 *
 * @return array{server: string, site: string, lang: bool, handles: array<string, array{category: string, service: string}>}
 */
function volenti_settings(): array {
	$kept = get_option( 'volenti', array() );
	return volenti_sanitize( is_array( $kept ) ? $kept : array() );
}

/**
 * What may be kept of what was entered.
 *
 * @param mixed $input Anything.
 */
function volenti_sanitize( $input ): array {
	$input  = is_array( $input ) ? $input : array();
	$server = isset( $input['server'] ) && is_string( $input['server'] ) ? rtrim( trim( $input['server'] ), '/' ) : '';
	$site   = isset( $input['site'] ) && is_string( $input['site'] ) ? trim( $input['site'] ) : '';
	return array(
		// https, or http on this very machine while the site is being built.
		'server'  => preg_match( '~^(https://|http://(localhost|127\.0\.0\.1)(?=[:/]|$))[^\s"\'<>?#]*$~', $server ) ? $server : '',
		'site'    => preg_match( '/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/', $site ) ? $site : '',
		'lang'    => ! empty( $input['lang'] ),
		'handles' => volenti_parse_handles( isset( $input['handles'] ) ? $input['handles'] : '' ),
	);
}

/**
 * Reads "handle category [vendor]" lines, or the list that they were kept as.
 *
 * @param mixed $lines Text, or the list.
 */
function volenti_parse_handles( $lines ): array {
	if ( is_array( $lines ) ) {
		$text = '';
		foreach ( $lines as $handle => $marks ) {
			if ( is_array( $marks ) && isset( $marks['category'] ) && is_string( $marks['category'] ) ) {
				$text .= $handle . ' ' . $marks['category'] . ' ' . ( isset( $marks['service'] ) && is_string( $marks['service'] ) ? $marks['service'] : '' ) . "\n";
			}
		}
		$lines = $text;
	}
	$handles = array();
	foreach ( is_string( $lines ) ? preg_split( '/\R/', $lines ) : array() as $line ) {
		if ( preg_match( '/^\s*([\w.-]+)\s+([A-Za-z0-9][A-Za-z0-9._-]{0,63})(?:\s+([A-Za-z0-9][A-Za-z0-9._-]{0,63}))?\s*$/', $line, $found ) ) {
			$handles[ $found[1] ] = array(
				'category' => $found[2],
				'service'  => isset( $found[3] ) ? $found[3] : '',
			);
		}
	}
	return $handles;
}

/** Registers the one option. Its sanitizer runs whoever writes it. */
function volenti_register_settings(): void {
	register_setting(
		'volenti',
		'volenti',
		array(
			'type'              => 'array',
			'sanitize_callback' => 'volenti_sanitize',
			'default'           => array(),
		)
	);
}

/** Adds the page under Settings. */
function volenti_add_page(): void {
	add_options_page( 'Volenti', 'Volenti', 'manage_options', 'volenti', 'volenti_render_page' );
}

/** Prints the page. */
function volenti_render_page(): void {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	$settings = volenti_settings();
	$lines    = '';
	foreach ( $settings['handles'] as $handle => $marks ) {
		$lines .= trim( $handle . ' ' . $marks['category'] . ' ' . $marks['service'] ) . "\n";
	}
	?>
	<div class="wrap">
		<h1>Volenti</h1>
		<form method="post" action="options.php">
			<?php settings_fields( 'volenti' ); ?>
			<table class="form-table" role="presentation">
				<tr>
					<th scope="row"><label for="volenti-server"><?php esc_html_e( 'Consent server', 'volenti' ); ?></label></th>
					<td><input id="volenti-server" class="regular-text" type="url" name="volenti[server]" required placeholder="https://consent.example.com" value="<?php echo esc_attr( $settings['server'] ); ?>"></td>
				</tr>
				<tr>
					<th scope="row"><label for="volenti-site"><?php esc_html_e( 'Site key', 'volenti' ); ?></label></th>
					<td><input id="volenti-site" class="regular-text" type="text" name="volenti[site]" required pattern="[a-z0-9]([a-z0-9\-]{0,38}[a-z0-9])?" value="<?php echo esc_attr( $settings['site'] ); ?>"></td>
				</tr>
				<tr>
					<th scope="row"><?php esc_html_e( 'Language', 'volenti' ); ?></th>
					<td><label><input type="checkbox" name="volenti[lang]" value="1" <?php checked( $settings['lang'] ); ?>> <?php esc_html_e( 'Ask in the language of the page, not in that of the browser', 'volenti' ); ?></label></td>
				</tr>
				<tr>
					<th scope="row"><label for="volenti-handles"><?php esc_html_e( 'Scripts that wait', 'volenti' ); ?></label></th>
					<td>
						<textarea id="volenti-handles" class="large-text code" rows="8" name="volenti[handles]" aria-describedby="volenti-handles-about"><?php echo esc_textarea( $lines ); ?></textarea>
						<p id="volenti-handles-about" class="description"><?php esc_html_e( 'One a line: the handle a plugin gave its script, the category it waits for, and if you like the vendor. Example: google-tag analytics ga4', 'volenti' ); ?></p>
					</td>
				</tr>
			</table>
			<?php submit_button(); ?>
		</form>
	</div>
	<?php
}
